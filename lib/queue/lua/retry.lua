-- with: common
-- A finished job runs again, at the end of the line, under the same id; attempts go on counting, tries and the cancel flag start
-- afresh. ARGV: limits, id, request (a repeat of it changes nothing). Gives { state before, 1 when done }, or { 'unknown' }.
local id, request = ARGV[2], ARGV[3]
local h = job(id, 'state', 'pool', 'attempt', 'key', 'keyMode', 'group', 'retryBy')
if not h.state then return { 'unknown' } end
if h.retryBy == request then return { h.state, 1 } end
if h.state == 'held' or h.state == 'pending' or h.state == 'delayed' or h.state == 'running' then return { h.state, 0 } end
for _, set in ipairs({ 'jobs:state:' .. h.state, 'ci-expire', 'ci-dead' }) do redis.call('ZREM', set, id) end
if h.keyMode == 'open' then redis.call('SET', 'ci-key:' .. h.key, id, 'NX') end
redis.call('SADD', 'ci-open:' .. h.group, id)
local seq = redis.call('INCR', 'ci-seq')
redis.call('HSET', 'job:' .. id, 'state', 'pending', 'reason', '', 'tries', 0, 'cancelled', 0, 'token', '', 'agent', '', 'seq', seq,
  'queuedAt', now, 'startedAt', '', 'endedAt', '', 'finishedAt', '', 'exitCode', '', 'phases', '', 'steps', '', 'retryBy', request)
redis.call('ZADD', due(h.pool), seq, id)
ring(h.pool, id)
tell(id, 'pending', h.attempt, 'retry', 'asked to run again')
return { h.state, 1 }
