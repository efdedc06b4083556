/**
 * Every fault by name, with the lane it runs in. The faults of a lane follow each other; the two lanes run side by side, so that faults meet.
 * What touches the whole (Redis, network, supervisor) never meets its like, or nobody could say what recovered from what.
 */
export const laneOf = {
  'agent-killed-before-claim': 'agents',
  'agent-killed-in-clone': 'agents',
  'agent-killed-in-step': 'agents',
  'agent-killed-before-finish': 'agents',
  'agent-killed-in-finish': 'agents',
  'agent-hangs': 'agents',
  'agent-clock-off': 'agents',
  'enqueue-twice': 'agents',
  'cancel-before-claim': 'agents',
  'cancel-running': 'agents',
  'cancel-at-finish': 'agents',
  'poison-job': 'agents',
  'job-deleted': 'agents',
  'agent-zombie': 'world',
  'redis-killed': 'world',
  'redis-full': 'world',
  'network-cut': 'world',
  'network-slow': 'world',
  'network-half-closed': 'world',
  'reply-lost': 'world',
  outage: 'world',
  'disk-full': 'world',
  'supervisor-killed': 'world',
  'supervisor-twice': 'world',
  keepers: 'world',
} as const

export type FaultKind = keyof typeof laneOf
export type Lane = (typeof laneOf)[FaultKind]
export const faultKinds = Object.keys(laneOf) as FaultKind[]
