import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nearest } from '#lib/cli/nearest.ts'
import { parseJustfile } from '#lib/docs.ts'
import { UsageError } from '#lib/errors.ts'

/** A recipe's task file; UsageError for what is no recipe that a timer can run. `own`: the recipe that asks. */
export function taskOf(recipe: string | undefined, root: string, own: string): { recipe: string; task: string } {
  if (!recipe) throw new UsageError('missing argument <recipe>.')
  const tasks = parseJustfile(readFileSync(join(root, 'justfile'), 'utf8')).filter(({ task, name }) => task && name !== own)
  const found = tasks.find(({ name }) => name === recipe)
  if (found) return { recipe, task: found.task! }
  const near = nearest(
    recipe,
    tasks.map(({ name }) => name),
  )
  throw new UsageError(
    `${JSON.stringify(recipe.slice(0, 40))} is no recipe that a timer can run${near ? `; did you mean ${near}?` : '.'}`,
  )
}
