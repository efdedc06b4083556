-- with: common clock ending forgetting
-- An agent takes the lowest waiting job. ARGV: limits, agent, token, pool. Gives
--   { 'job', id, field, value, … }   it is yours (the same token gets the same answer)
--   { 'gone' }   this token's job was taken away: ask with a new one      { 'tend' }   run tend first, then ask again
--   { 'idle', last entry id }   nothing: block on the stream behind that id
local agent, token, pool = ARGV[2], ARGV[3], ARGV[4]
grace()
local mine = cjson.decode(redis.call('HGET', 'ci-agents', agent) or 'null')
if mine ~= cjson.null and mine.token == token and mine.job then
  local h = job(mine.job, 'token', 'state')
  if h.token ~= token or h.state ~= 'running' then return { 'gone' } end
  return { 'job', mine.job, unpack(redis.call('HGETALL', 'job:' .. mine.job)) }
end
while true do
  local id, score = unpack(redis.call('ZRANGE', due(pool), 0, 0, 'WITHSCORES'))
  if id and tonumber(score) >= LATER and tonumber(score) <= now then return { 'tend' } end
  if not id or tonumber(score) > now then
    redis.call('HSET', 'ci-agents', agent, cjson.encode({ token = token, pool = pool, beat = now }))
    local known = redis.call('EXISTS', stream(pool)) == 1 and redis.call('XINFO', 'STREAM', stream(pool))
    for i = 1, known and #known or 0, 2 do if known[i] == 'last-generated-id' then return { 'idle', known[i + 1] } end end
    return { 'idle', '0-0' }
  end
  local h = job(id, 'state', 'pool', 'tries', 'entry', 'repo')
  if h.state ~= 'pending' or h.pool ~= pool or not h.repo then
    discard(id, pool)
  elseif tonumber(h.tries) >= L.tries then
    conclude(id, 'dead', 'no tries left', agent)
  else
    local attempt = redis.call('HINCRBY', 'job:' .. id, 'attempt', 1)
    redis.call('HSET', 'job:' .. id, 'state', 'running', 'reason', '', 'token', token, 'agent', agent, 'startedAt', now, 'logSeq', 0,
      'logHead', '', 'logCutTo', '', 'logHeld', 0, 'phases', '', 'steps', '')
    redis.call('ZADD', due(pool), now + L.lease, id)
    redis.call('XADD', 'job:' .. id .. ':log', attempt .. '-0', 'k', 'start', 'd', agent, 'at', now)
    if (h.entry or '') == '' or #redis.call('XRANGE', stream(pool), h.entry, h.entry) == 0 then h.entry = ring(pool, id) end
    pcall(redis.call, 'XCLAIM', stream(pool), 'ci-workers', agent, 0, h.entry, 'FORCE', 'JUSTID')
    redis.call('HSET', 'ci-agents', agent, cjson.encode({ job = id, token = token, pool = pool, beat = now, attempt = attempt }))
    tell(id, 'running', attempt, agent, '')
    return { 'job', id, unpack(redis.call('HGETALL', 'job:' .. id)) }
  end
end
