/**
 * The declaration of a task's command line: what parses it, what `--help` prints and what the README's tables are made from.
 * Write it as `{ … } satisfies Spec`, and `main` infers the type of the arguments.
 */
export interface Spec {
  /** Name of the recipe and of the file. */
  name: string
  /** Group of the recipe and folder of the file. */
  group: string
  /** One sentence without a full stop; the same as the recipe's comment. */
  summary: string
  positionals?: readonly Positional[]
  /** By their kebab-case name; `args` has them in camelCase. */
  flags?: Readonly<Record<string, Flag>>
  examples?: readonly string[]
}

/** `Lowercase`, because under `satisfies` TypeScript then keeps the literal name, and `args.<name>` is typed. */
export interface Positional {
  name: Lowercase<string>
  description: string
  required?: boolean
  /** Takes all that follow; only the last one can. */
  variadic?: boolean
}

/** `list`: may be given again and again. `duration`: `90s`, `10m`, `1h30m`; milliseconds in `args`. `number`: whole. */
export interface Flag {
  type: 'string' | 'boolean' | 'number' | 'duration' | 'list'
  description: string
  default?: string | number | boolean
  placeholder?: string
  short?: string
  /** Smallest number allowed; 0 unless said. */
  min?: number
  /** The only values allowed. */
  choices?: readonly string[]
}

type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S
type Base<F extends Flag> = F['type'] extends 'number' | 'duration' ? number : string
type FlagValue<F extends Flag> = F['type'] extends 'boolean'
  ? boolean
  : F['type'] extends 'list'
    ? string[]
    : F extends { default: string | number }
      ? Base<F>
      : Base<F> | undefined
type PositionalValue<P> = P extends { variadic: true } ? string[] : P extends { required: true } ? string : string | undefined

type FlagArgs<S> = S extends { flags: infer F extends Record<string, Flag> }
  ? { [K in keyof F & string as Camel<K>]: FlagValue<F[K]> }
  : unknown
type PositionalArgs<S> = S extends { positionals: readonly (infer P extends Positional)[] }
  ? { [Q in P as Q['name']]: PositionalValue<Q> }
  : unknown

/** What `run` gets: every positional by its name, every flag in camelCase. */
export type Args<S extends Spec> = FlagArgs<S> & PositionalArgs<S>

export const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** How a flag's value is called in the help. */
export const placeholder = ({ type, placeholder: own }: Flag): string =>
  own ?? (type === 'number' ? '<n>' : type === 'duration' ? '<duration>' : '<value>')
