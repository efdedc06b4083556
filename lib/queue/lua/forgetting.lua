-- All that is left of a job goes together: hash, log, keys, and its place in every index.
local function forget(id)
  local h = record(id)
  for _, set in ipairs({ 'jobs', 'ci-held', 'ci-status', 'ci-expire', 'ci-dead' }) do redis.call('ZREM', set, id) end
  redis.call('ZREM', 'jobs:tail', id:reverse())
  if h.repo then redis.call('ZREM', of_repo(h.repo), id) end
  if h.state then redis.call('ZREM', 'jobs:state:' .. h.state, id) end
  close(id, h)
  if always(h.key) and redis.call('GET', 'ci-key:' .. h.key) == id then redis.call('DEL', 'ci-key:' .. h.key) end
  if h.pool then
    redis.call('ZREM', due(h.pool), id)
    unring(h.pool, h.entry)
  end
  local bytes = tonumber(redis.call('HGET', 'job:' .. id, 'logBytes') or 0)
  if bytes > 0 then redis.call('DECRBY', 'ci-log-bytes', bytes) end
  redis.call('DEL', 'job:' .. id, 'job:' .. id .. ':log')
end

-- A member of the line without a usable hash: nobody can build it. Its entry is found by its name, and tells what the hash can't any more;
-- its log tells its own size.
local function discard(id, pool)
  local key = 'job:' .. id
  for _, entry in ipairs(redis.call('XRANGE', stream(pool), '-', '+')) do
    local e = entry[2]
    if e[2] == id then
      unring(pool, entry[1])
      if e[3] == 'repo' and redis.call('HEXISTS', key, 'repo') == 0 then redis.call('HSET', key, unpack(e, 3)) end
    end
  end
  if redis.call('HEXISTS', key, 'logBytes') == 0 then
    local bytes = 0
    for _, chunk in ipairs(redis.call('XRANGE', key .. ':log', '-', '+')) do
      if chunk[2][3] == 's' then bytes = bytes + #chunk[2][6] end -- fields in the order written: k s d n
    end
    redis.call('HSET', key, 'logBytes', bytes)
  end
  forget(id)
  redis.call('ZREM', due(pool), id)
  tell(id, 'gone', 0, 'queue', 'its record was missing or unusable')
end
