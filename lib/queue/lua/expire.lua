-- with: common visible ending forgetting
-- flags: allow-oom
-- What to forget now. No ARGV. Jobs past their time go whole; above the budget of all logs, the log of the job that will be
-- forgotten first goes, and the cut is stated on the job. Gives { jobs forgotten, logs cut, 1 when there is more to do }.
local gone, cut = 0, 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'ci-expire', '-inf', now, 'LIMIT', 0, 100)) do
  forget(id)
  gone = gone + 1
end
local all = tonumber(redis.call('GET', 'ci-log-bytes') or 0)
local rank = 0
while all > L.logAll and rank < 100 do
  local id = redis.call('ZRANGE', 'ci-expire', rank, rank)[1]
  if not id then break end
  local h = job(id, 'logBytes', 'attempt', 'state', 'reason')
  if tonumber(h.logBytes or 0) > 0 then
    local lines = 0
    for _, entry in ipairs(redis.call('XRANGE', 'job:' .. id .. ':log', '-', '+')) do
      if entry[2][2] == 'out' then
        lines = lines + entry[2][8]
        redis.call('XDEL', 'job:' .. id .. ':log', entry[1])
      end
    end
    redis.call('HINCRBY', 'job:' .. id, 'cutBytes', h.logBytes)
    redis.call('HINCRBY', 'job:' .. id, 'cutLines', lines)
    redis.call('HSET', 'job:' .. id, 'logBytes', 0)
    all = redis.call('DECRBY', 'ci-log-bytes', h.logBytes)
    cut = cut + 1
  end
  rank = rank + 1
end
return { gone, cut, (gone == 100 or rank == 100) and 1 or 0 }
