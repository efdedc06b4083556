-- A waiting job becomes an agent's: next attempt, lease, log marker, the group's view.
local function start(id, h, pool, agent, token)
  local attempt, entry = h.attempt + 1, h.entry
  redis.call('XADD', 'job:' .. id .. ':log', attempt .. '-0', 'k', 'start', 'd', agent, 'at', now)
  local view = { 'XCLAIM', stream(pool), 'ci-workers', agent, 0, entry or '', 'FORCE', 'JUSTID' }
  local seen = entry and entry ~= '' and redis.pcall(unpack(view))
  -- no entry: it was deleted. (An error is a group that was: the entry may be there.)
  if not seen or #seen == 0 and not (seen.err and #redis.call('XRANGE', stream(pool), entry, entry) == 1) then
    entry = ring(pool, id, h)
    view[6] = entry
    redis.pcall(unpack(view))
  end
  -- what an earlier attempt left must not be read as this one's
  if attempt > 1 then redis.call('HDEL', 'job:' .. id, 'logSeq', 'logHead', 'logCutTo', 'logHeld', 'phases', 'steps') end
  redis.call('HSET', 'job:' .. id, 'state', 'running', 'attempt', attempt, 'token', token, 'agent', agent, 'startedAt', now,
    'entry', entry, 'reason', '', 'endedAt', '')
  redis.call('ZADD', due(pool), now + L.lease, id)
  redis.call('HSET', 'ci-agents', agent, cjson.encode({ job = id, token = token, pool = pool, beat = now, attempt = attempt }))
  tell(id, 'running', attempt, agent, '', h.report)
end
