import { partsOf } from '../parts.ts'
import { applied } from './applied.ts'
import { scalable } from './scalable.ts'

export const pools = applied({
  name: 'pools',
  title: 'the pools of agents',
  needs: ['redis', 'keda', 'image'],
  objects: ({ config, settings }) => partsOf(config, settings).pools,
  answers: scalable,
})
