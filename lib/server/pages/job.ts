import { html } from 'hono/html'
import { ago } from '#lib/cli/time.ts'
import { formatDuration } from '#lib/duration.ts'
import { inOrder } from '#lib/jobs/in-order.ts'
import { duration, shortId, shortRepo } from '#lib/jobs/show.ts'
import { isFinal, type Job } from '#lib/queue/types.ts'
import { layout, when, type Html } from './layout.ts'
import { logView, type LogView } from './log-view.ts'

export interface JobPage {
  job: Job
  why: string
  log: LogView
}

const fact = (name: string, value: Html | string): Html =>
  html`<dt>${name}</dt>
    <dd>${value}</dd>`

function facts({ job, why }: JobPage): Html {
  const took = duration(job)
  const artifacts = job.phases.flatMap((phase) => phase.artifacts ?? [])
  const failures = job.steps.flatMap((step) => step.tests?.failures ?? [])
  return html`<div data-part="facts">
    <h1>
      <span class="state ${job.state}">${job.state}</span> ${shortRepo(job.origin ?? job.repo)}
      <span class="soft">${job.branch}</span>
    </h1>
    <dl>
      ${fact('why', why)}
      ${job.about['message'] ? fact('change', html`${job.about['message']} <span class="soft">${job.about['by'] ?? ''}, ${job.about['ref'] ?? ''}</span>`) : ''}
      ${fact('job', html`<span class="id">${job.id}</span>`)} ${fact('repository', job.origin ?? job.repo)}
      ${fact('commit', html`<code>${job.commit}</code>`)} ${fact('created', when(job.createdAt, ago(job.createdAt)))}
      ${fact('took', took === null ? 'not begun' : formatDuration(took))}
      ${fact('attempt', `${job.attempt}${job.agent ? ` on ${job.agent}` : ''}`)}
      ${failures.length ? fact('failed tests', html`${failures.map(({ name, message }) => html`<div><code>${name}</code> <span class="soft">${message}</span></div>`)}`) : ''}
      ${
        artifacts.length
          ? fact(
              'artifacts',
              html`${artifacts.map(
                  ({ path, bytes }, index) =>
                    html`<div>
                      <a href="/api/v1/jobs/${job.id}/artifacts/${index}"><code>${path}</code></a>
                      <span class="soft">${bytes} bytes</span>
                    </div>`,
                )}<code>just artifacts ${shortId(job.id)} --get</code>`,
            )
          : ''
      }
      ${fact('log', html`<a href="/jobs/${job.id}/log">raw</a>`)}
      ${fact('here', html`<code>just repro ${shortId(job.id)}</code>${isFinal(job.state) ? html`, <code>just retry ${shortId(job.id)}</code>` : ''}`)}
    </dl>
  </div>`
}

/** One job: what is known of it, and its log by steps. */
export const jobPage = (page: JobPage): Html =>
  layout(
    `${page.job.state} · ${shortRepo(page.job.origin ?? page.job.repo)} ${page.job.branch} · raibid-ci`,
    html`${facts(page)}
      <h2>Log</h2>
      <div data-log="${page.job.id}" data-after="${page.log.last}" data-live="${isFinal(page.job.state) ? 'false' : 'true'}">
        ${logView(page.log, inOrder(page.job))}
      </div>`,
  )
