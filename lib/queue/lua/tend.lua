-- with: common visible clock ending losing forgetting
-- flags: allow-oom
-- The keeper's round over one pool. ARGV: pool. Delayed jobs that are due become runnable; leases that ended release their
-- jobs, except in the grace after an absence; times too far ahead (a clock that stepped back) are brought near; agents that no
-- longer beat are swept. Gives { promoted, expired, ms until the next time that matters, or -1 }.
local pool, till = ARGV[1], grace()
local promoted, expired = 0, 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', due(pool), LATER, now, 'LIMIT', 0, 100)) do
  local h = record(id)
  if h.state == 'running' then
    if now >= till then
      lose(id, h, 'agent lost: no beat for ' .. L.lease / 1000 .. ' s', false, 'keeper')
      expired = expired + 1
    else
      redis.call('ZADD', due(pool), till, id)
    end
  elseif h.state == 'delayed' then
    redis.call('HSET', 'job:' .. id, 'state', 'pending', 'queuedAt', now, 'dueAt', '', 'entry', ring(pool, id, h))
    redis.call('ZADD', due(pool), h.seq, id)
    tell(id, 'pending', h.attempt, 'keeper', 'due', h.report)
    promoted = promoted + 1
  else
    discard(id, pool)
  end
end
local far = redis.call('ZREVRANGE', due(pool), 0, 99, 'WITHSCORES')
for i = 1, #far, 2 do
  local most = now + (redis.call('HGET', 'job:' .. far[i], 'state') == 'running' and L.lease or L.backoffMax)
  if tonumber(far[i + 1]) <= now then break end
  if tonumber(far[i + 1]) > most then redis.call('ZADD', due(pool), most, far[i]) end
end
local next = redis.call('ZRANGEBYSCORE', due(pool), LATER, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
return { promoted, expired, next and math.max(0, next - now) or -1 }
