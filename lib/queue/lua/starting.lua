-- A waiting job becomes an agent's: next attempt, lease, log marker, the group's view.
local function start(id, entry, pool, agent, token)
  local attempt = redis.call('HINCRBY', 'job:' .. id, 'attempt', 1)
  redis.call('HSET', 'job:' .. id, 'state', 'running', 'reason', '', 'token', token, 'agent', agent, 'startedAt', now, 'endedAt', '', 'logSeq', 0,
    'logHead', '', 'logCutTo', '', 'logHeld', 0, 'phases', '', 'steps', '')
  redis.call('ZADD', due(pool), now + L.lease, id)
  redis.call('XADD', 'job:' .. id .. ':log', attempt .. '-0', 'k', 'start', 'd', agent, 'at', now)
  if (entry or '') == '' or #redis.call('XRANGE', stream(pool), entry, entry) == 0 then entry = ring(pool, id) end
  pcall(redis.call, 'XCLAIM', stream(pool), 'ci-workers', agent, 0, entry, 'FORCE', 'JUSTID')
  redis.call('HSET', 'ci-agents', agent, cjson.encode({ job = id, token = token, pool = pool, beat = now, attempt = attempt }))
  tell(id, 'running', attempt, agent, '')
end
