/** Values of `.raibid.yaml` that stand alone, each with how it is checked and what its schema says. */
import { parseDuration } from '#lib/duration.ts'
import { check, scalarOf, shown, type Check, type Place } from './yaml-check.ts'

const control = /[\u0000-\u001f\u007f-\u009f]/

/** Milliseconds. */
export const duration: Check<number> = check({ type: 'string', pattern: '^([0-9]+(d|h|ms|m|s))+$' }, (place) => {
  const value = scalarOf(place)
  const ms = typeof value === 'string' ? parseDuration(value) : null
  return ms || place.problem(`${shown(place)} is not a duration`)
})

export const flag: Check<boolean> = check({ type: 'boolean' }, (place) => {
  const value = scalarOf(place)
  return typeof value === 'boolean' ? value : place.problem(`${shown(place)} is neither true nor false`)
})

/** A text; numbers and booleans stand for what was written. */
export function written(place: Place): string | undefined {
  const value = scalarOf(place)
  if (typeof value === 'number' || typeof value === 'boolean') return shown(place)
  if (typeof value !== 'string') return place.problem(`${shown(place)} is not a text, number or boolean`)
  return value.includes('\0') ? place.problem('contains a NUL character') : value
}

export const script: Check<string> = check({ type: 'string', pattern: '\\S' }, (place) => {
  if (typeof scalarOf(place) !== 'string') return place.problem(`${shown(place)} is not a text`)
  const value = written(place)
  return value?.trim() === '' ? place.problem('is empty') : value
})

/** One line of at most 100 characters. */
export const line: Check<string> = check({ ...script.schema, maxLength: 100 }, (place) => {
  const value = script(place)
  if (value === undefined) return undefined
  if (value.length > 100) return place.problem('is longer than 100 characters')
  return control.test(value) ? place.problem('contains a control character') : value
})
