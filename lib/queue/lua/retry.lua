-- with: common visible
-- A finished job runs again, at the end of the line, under the same id; attempts go on counting, tries and the cancel flag start
-- afresh. ARGV: id, request (a repeat of it changes nothing), steps that need not run again (JSON, or empty). Gives { state before, 1 when done }, or { 'unknown' }.
local id, request = ARGV[1], ARGV[2]
local h = record(id)
if not h.state then return { 'unknown' } end
if redis.call('HGET', 'job:' .. id, 'retryBy') == request then return { h.state, 1 } end
if h.state == 'held' or h.state == 'pending' or h.state == 'delayed' or h.state == 'running' then return { h.state, 0 } end
for _, set in ipairs({ 'jobs:state:' .. h.state, 'ci-expire', 'ci-dead' }) do redis.call('ZREM', set, id) end
-- under its key, or, where another job answers for that by now, under its id
local group = 'ci-unfinished:' .. h.group
if redis.call('HSETNX', group, h.key, id) == 0 then redis.call('HSET', group, id, id) end
local seq = redis.call('INCR', 'ci-seq')
redis.call('ZADD', due(h.pool), seq, id)
redis.call('HSET', 'job:' .. id, 'state', 'pending', 'reason', '', 'tries', 0, 'cancelled', 0, 'token', '', 'agent', '', 'seq', seq,
  'entry', ring(h.pool, id, h), 'queuedAt', now, 'startedAt', '', 'endedAt', '', 'finishedAt', '', 'exitCode', '', 'phases', '',
  'steps', '', 'passed', ARGV[3], 'retryBy', request)
tell(id, 'pending', h.attempt, 'retry', 'asked to run again', h.report)
return { h.state, 1 }
