-- The lowest waiting job of a pool becomes an agent's. Gives
--   { 'job', id, field, value, … }   it is yours (the same token gets the same answer)
--   { 'gone' }   this token's job was taken away: ask with a new one      { 'tend' }   run tend first, then ask again
--   { 'idle', last entry id }   nothing: block on the stream behind that id
local function take(agent, token, pool)
  local mine = cjson.decode(redis.call('HGET', 'ci-agents', agent) or 'null')
  if mine ~= cjson.null and mine.job then
    local h = record(mine.job)
    local holds = h.token == mine.token and h.state == 'running'
    if mine.token == token then
      return holds and { 'job', mine.job, unpack(redis.call('HGETALL', 'job:' .. mine.job)) } or { 'gone' }
    end
    if holds then lose(mine.job, h, 'agent lost: it asked for another job', false, agent) end
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
    local h = record(id)
    if h.state ~= 'pending' or h.pool ~= pool or not h.repo then
      discard(id, pool)
    elseif h.tries >= L.tries then
      conclude(id, h, 'dead', 'no tries left', agent)
    else
      start(id, h, pool, agent, token)
      return { 'job', id, unpack(redis.call('HGETALL', 'job:' .. id)) }
    end
  end
end
