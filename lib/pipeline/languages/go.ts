import type { Pipeline, PlannedStep } from '../types.ts'

export default {
  name: 'go',
  looksFor: 'go.mod',
  detect: (workspace) => workspace.has('go.mod'),
  steps({ has }) {
    const step = (name: string): PlannedStep => ({
      name,
      run: `go ${name} ./...`,
      independent: true,
      ...(!has('go') && { skip: 'go is not installed' }),
    })
    return Promise.resolve(['vet', 'build', 'test'].map(step))
  },
} satisfies Pipeline
