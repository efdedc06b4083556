/** The keys of `.raibid.yaml`: one line each in the tables below. */
import { parseDuration } from '#lib/duration.ts'
import { entries, list, mapping, scalarOf, shown, type Check, type Place } from './yaml-check.ts'

const maxSteps = 200

/** Milliseconds. */
const duration: Check<number> = (place) => {
  const value = scalarOf(place)
  const ms = typeof value === 'string' ? parseDuration(value) : null
  return ms || place.problem(`${shown(place)} is not a duration`)
}

/** A text; numbers and booleans stand for what was written. */
function written(place: Place): string | undefined {
  const value = scalarOf(place)
  if (typeof value === 'number' || typeof value === 'boolean') return shown(place)
  if (typeof value !== 'string') return place.problem(`${shown(place)} is not a text, number or boolean`)
  return value.includes('\0') ? place.problem('contains a NUL character') : value
}

const text: Check<string> = (place) =>
  typeof scalarOf(place) === 'string' ? written(place) : place.problem(`${shown(place)} is not a text`)

const script: Check<string> = (place) => {
  const value = text(place)
  return value?.trim() === '' ? place.problem('is empty') : value
}

const stepName: Check<string> = (place) => {
  const value = script(place)
  if (value === undefined) return undefined
  if (value.length > 100) return place.problem('is longer than 100 characters')
  return /[\u0000-\u001f\u007f-\u009f]/.test(value) ? place.problem('contains a control character') : value
}

const variables: Check<Record<string, string>> = (place) => {
  const found = entries((name, value, key) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) key.problem('is not a name for an environment variable')
    else if (name.startsWith('RAIBID_')) key.problem('names that begin with RAIBID_ are kept for raibid-ci')
    return written(value) ?? ''
  })(place)
  return found && Object.fromEntries(found)
}

const step = mapping({ name: stepName, run: script, timeout: duration }, ['run'])

export const raibidKeys = mapping({ timeout: duration, env: variables, steps: list(step, maxSteps) }, ['steps'])
