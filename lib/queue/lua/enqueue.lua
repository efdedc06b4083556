-- with: common visible ending
-- New jobs. ARGV, for each: id, key (`b:…` answers while its job is unfinished, `k:…` as long as it is remembered), group, hold reason
-- or empty, supersede 1 or 0, pool, repo, commit, when it was made (ms, or 0), report 1 or 0, spec JSON. Gives for each { id, 1 when an
-- earlier job answers for this one, ids superseded … }. A repeat of the same id gives the same answer and changes nothing.
local function supersede(commit, at, group, ended) -- waiting jobs of the group that build another commit, and not a newer one: into `ended`
  for _, id in ipairs(redis.call('HVALS', 'ci-unfinished:' .. group)) do
    local h, spec = record(id), cjson.decode(redis.call('HGET', 'job:' .. id, 'spec') or '{}')
    -- by the commits' own dates where both are known; else what was asked for earlier is older
    local known = at > 0 and (spec.commitAt or 0) > 0
    if h.state and h.state ~= 'running' and spec.commit ~= commit and (not known or spec.commitAt <= at) then
      conclude(id, h, 'cancelled', 'superseded by ' .. commit:sub(1, 7), 'enqueue')
      ended[#ended + 1] = id
    end
  end
end

local function enqueue(id, key, group, hold, newest, pool, repo, commit, at, report, spec)
  if redis.call('EXISTS', 'job:' .. id) == 1 then return { id, 0 } end
  local other = answers_for(key, group)
  if other and redis.call('EXISTS', 'job:' .. other) == 1 then return { other, 1 } end
  local answer = { id, 0 }
  if newest == '1' then supersede(commit, tonumber(at), group, answer) end
  local seq, state = redis.call('INCR', 'ci-seq'), hold == '' and 'pending' or 'held'
  local entry = hold == '' and ring(pool, id, { repo = repo, key = key, group = group }) or ''
  redis.call('HSET', 'job:' .. id, 'state', state, 'seq', seq, 'entry', entry, 'pool', pool, 'repo', repo, 'key', key,
    'group', group, 'createdAt', now, 'reason', hold, 'report', report, 'spec', spec)
  redis.call('ZADD', hold == '' and due(pool) or 'ci-held', seq, id)
  local by_time = now + seq % 1000 / 1000 -- and within one millisecond as they came
  redis.call('ZADD', 'jobs', by_time, id)
  redis.call('ZADD', of_repo(repo), by_time, id)
  redis.call('ZADD', 'jobs:tail', 0, id:reverse())
  redis.call('HSET', 'ci-unfinished:' .. group, key, id)
  if always(key) then redis.call('SET', 'ci-key:' .. key, id) end
  tell(id, state, 0, 'enqueue', hold, report)
  return answer
end
local answers = {}
for i = 1, #ARGV, 11 do answers[#answers + 1] = enqueue(unpack(ARGV, i, i + 10)) end
return answers
