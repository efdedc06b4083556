// Keeps a page up to date: the log of a job, or the list. Without it everything is there after a reload.
import { lineToHtml, plain } from './ansi.js'

const log = document.querySelector('[data-log]')
const list = document.querySelector('[data-list]')

/** Fetches this page anew and takes over the parts that are marked. */
async function refresh(...names) {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } })
  if (!answer.ok) return
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const name of names) {
    const [old, next] = [document, fresh].map((one) => one.querySelector(`[data-part="${name}"]`))
    if (old && next) old.replaceWith(next)
  }
  document.title = fresh.title
}

let waiting = null
/** Many changes at once are one refresh. */
const soon = (...names) => (waiting ??= setTimeout(() => ((waiting = null), refresh(...names)), 300))

if (list) {
  const source = new EventSource('/api/v1/events')
  source.addEventListener('state', () => soon('jobs'))
}

if (log && log.dataset.live === 'true') followLog(log)

function followLog(place) {
  const job = place.dataset.log
  const source = new EventSource(`/api/v1/jobs/${job}/log?format=sse&after=${place.dataset.after}`)
  const steps = new Map()
  const stepOf = (number, name) => {
    let details = document.getElementById(`step-${number}`)
    if (!details) {
      details = document.createElement('details')
      details.id = `step-${number}`
      details.open = true
      const summary = document.createElement('summary')
      summary.textContent = name ?? `step ${number}`
      details.append(summary, document.createElement('pre'))
      place.append(details)
    }
    if (!steps.has(number)) steps.set(number, { details, style: plain(), rest: '', line: details.querySelectorAll('a.n').length })
    return steps.get(number)
  }
  const show = (step, number, text) => {
    const parts = (step.rest + text).split('\n')
    step.rest = parts.pop()
    const below = innerHeight + scrollY >= document.body.scrollHeight - 80
    step.details.querySelector('pre').insertAdjacentHTML(
      'beforeend',
      parts
        .map((line) => {
          const id = `s${number}-${++step.line}`
          return `<a class="n" id="${id}" href="#${id}">${step.line}</a>${lineToHtml(line, step.style)}\n`
        })
        .join(''),
    )
    if (below) scrollTo(0, document.body.scrollHeight)
  }
  const on = (kind, call) => source.addEventListener(kind, (event) => call(JSON.parse(event.data)))
  on('start', () => soon('facts'))
  on('step', ({ step, name }) => (stepOf(step, name), soon('facts')))
  on('out', ({ step, text }) => show(stepOf(step), step, text))
  on('cut', ({ lines }) => place.append(`… ${lines} lines cut here …`))
  on('done', ({ step }) => {
    const one = stepOf(step)
    if (one.rest) show(one, step, '\n')
    soon('facts')
  })
  on('finish', () => (source.close(), refresh('facts')))
}
