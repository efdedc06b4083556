-- with: common ending
-- One new job. ARGV: limits, id, key, key mode (`open`: while unfinished, `always`, or empty), group, hold reason or empty,
-- supersede 1 or 0, then field, value, … of the hash. Gives { id, 1 when an earlier job answers for this one, ids superseded … }.
-- A repeat of the same id gives the same answer and changes nothing.
local id, key, mode, group, hold = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if redis.call('EXISTS', 'job:' .. id) == 1 then return { id, 0 } end
local other = key ~= '' and redis.call('GET', 'ci-key:' .. key)
if other and redis.call('EXISTS', 'job:' .. other) == 1 then return { other, 1 } end

local seq = redis.call('INCR', 'ci-seq')
local state = hold == '' and 'pending' or 'held'
redis.call('HSET', 'job:' .. id, 'state', state, 'reason', hold, 'attempt', 0, 'tries', 0, 'token', '', 'agent', '', 'cancelled', 0,
  'seq', seq, 'entry', '', 'key', key, 'keyMode', mode, 'group', group, 'createdAt', now, 'queuedAt', now, unpack(ARGV, 8))
local mine = job(id, 'pool', 'repo', 'commit', 'commitAt')
local answer = { id, 0 }
if ARGV[7] == '1' then
  for _, older in ipairs(redis.call('SMEMBERS', 'ci-open:' .. group)) do
    local h = job(older, 'state', 'commit', 'commitAt')
    -- by the commits' own dates where both are known; else what was asked for earlier is older
    local known = (tonumber(mine.commitAt) or 0) > 0 and (tonumber(h.commitAt) or 0) > 0
    local before = not known or tonumber(h.commitAt) <= tonumber(mine.commitAt)
    if h.state and h.state ~= 'running' and h.commit ~= mine.commit and before then
      conclude(older, 'cancelled', 'superseded by ' .. mine.commit:sub(1, 7), 'enqueue')
      answer[#answer + 1] = older
    end
  end
end
if key ~= '' then redis.call('SET', 'ci-key:' .. key, id) end
local at = now + seq % 1000 / 1000 -- by time, and within one millisecond as they came
redis.call('ZADD', 'jobs', at, id)
redis.call('ZADD', of_repo(mine.repo), at, id)
redis.call('ZADD', 'jobs:tail', 0, id:reverse())
redis.call('SADD', 'ci-open:' .. group, id)
redis.call('ZADD', hold == '' and due(mine.pool) or 'ci-held', seq, id)
if hold == '' then ring(mine.pool, id) end
tell(id, state, 0, 'enqueue', hold)
return answer
