import { partsOf } from '../parts.ts'
import { serveSecret } from '../serve-secret.ts'
import { applied } from './applied.ts'

export const serve = applied({
  name: 'serve',
  title: 'serve: webhooks, API and pages',
  needs: ['redis', 'gitea-setup', 'pools', 'image'],
  settlesWithinMs: 300_000,
  objects: ({ config, settings }) => partsOf(config, settings).serve,
  secrets: (options) => [serveSecret(options)],
})
