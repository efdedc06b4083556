import { html } from 'hono/html'
import { ago } from '#lib/cli/time.ts'
import { formatDuration } from '#lib/duration.ts'
import { duration, shortRepo } from '#lib/jobs/show.ts'
import type { Page } from '#lib/queue/pages.ts'
import type { PoolCounts } from '#lib/queue/reader.ts'
import type { Job } from '#lib/queue/types.ts'
import { layout, when, type Html } from './layout.ts'

export interface ListPage extends Page {
  pools: PoolCounts[]
  /** What the list is of, in words; empty: everything. */
  filter: string
  /** The address of the next page. */
  more: string | null
}

const row = (job: Job): Html => {
  const took = duration(job)
  return html`<tr>
    <td><a class="id" href="/jobs/${job.id}">${job.id.slice(-6)}</a></td>
    <td class="state ${job.state}">${job.state}</td>
    <td>
      ${shortRepo(job.origin ?? job.repo)} <span class="soft">${job.branch}</span>
      <code>${job.commit.slice(0, 7)}</code>
      ${job.about['message'] ? html`<div>${job.about['message']} <span class="soft">${job.about['by'] ?? ''}</span></div>` : ''}
    </td>
    <td>${when(job.createdAt, ago(job.createdAt))}</td>
    <td>${took === null ? '' : formatDuration(took)}</td>
    <td class="soft">${job.reason}</td>
  </tr>`
}

/** The list of jobs. */
export const listPage = ({ jobs, pools, filter, more }: ListPage): Html =>
  layout(
    filter ? `${filter} · raibid-ci` : 'raibid-ci',
    html`<div data-list data-part="jobs">
      <h1>${filter || 'Jobs'}</h1>
      <p class="soft">
        ${pools.map(
          ({ pool, pending, running, delayed }) =>
            html`pool ${pool}: ${pending} waiting, ${running} running${delayed ? `, ${delayed} delayed` : ''}. `,
        )}
      </p>
      ${
        jobs.length === 0
          ? html`<p>No job yet. A push with a webhook makes one, and so does <code>just enqueue</code>.</p>`
          : html`<table>
              <thead>
                <tr>
                  <th scope="col">job</th>
                  <th scope="col">state</th>
                  <th scope="col">what</th>
                  <th scope="col">created</th>
                  <th scope="col">took</th>
                  <th scope="col">why</th>
                </tr>
              </thead>
              <tbody>
                ${jobs.map(row)}
              </tbody>
            </table>`
      }
      ${more ? html`<nav class="more" aria-label="Pages"><a href="${more}">Older jobs</a></nav>` : ''}
    </div>`,
  )
