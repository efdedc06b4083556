import { partsOf } from '../parts.ts'
import { applied } from './applied.ts'

export const namespaces = applied({
  name: 'namespaces',
  title: 'namespaces, with what is refused in them',
  needs: ['k3s'],
  losesData: 'everything in the namespaces ci, infrastructure and monitoring',
  objects: ({ config, settings }) => partsOf(config, settings).namespaces,
})
