-- The watch on Redis's own absence. No lease ends before the moment this returns: one whole lease after a time in which no
-- script ran for half a lease (Redis away, a partition) or in which the clock stepped.
local function grace()
  local seen, till = unpack(redis.call('HMGET', 'ci-clock', 'seen', 'grace'))
  if not seen or now - seen > L.lease / 2 or now < seen - 1000 then
    till = now + L.lease
    redis.call('HSET', 'ci-clock', 'grace', till)
  end
  -- not at each call: it is looked at in half leases
  if not seen or math.abs(now - seen) > L.lease / 20 then redis.call('HSET', 'ci-clock', 'seen', now) end
  return tonumber(till)
end
