-- Shared by every script: limits, Redis's own time, names, and the two places where a job becomes visible to others.
local L = cjson.decode(ARGV[1]) -- lib/queue/limits.ts
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local LATER = 1e12 -- a score below is a place in the line, a score above is a time in ms

local function named(base, pool) return pool == 'default' and base or base .. ':' .. pool end
local function due(pool) return named('ci-due', pool) end
local function stream(pool) return named('ci-jobs', pool) end

local function of_repo(repo) return 'jobs:repo:' .. repo:gsub('%.git$', '') end

local function job(id, ...) -- its fields as a table; a missing field is false
  local names, fields = { ... }, {}
  for i, value in ipairs(redis.call('HMGET', 'job:' .. id, ...)) do fields[names[i]] = value end
  return fields
end

local function tell(id, state, attempt, actor, reason) -- every change of state, for whoever looks on
  redis.call('XADD', 'ci-events', 'MAXLEN', '~', L.events, '*', 'id', id, 'state', state,
    'attempt', attempt, 'actor', actor, 'reason', reason, 'at', now)
  if redis.call('HGET', 'job:' .. id, 'report') == '1' then redis.call('ZADD', 'ci-status', now, id) end
end

-- One stream entry: KEDA counts it, idle agents wake. It also names what must be forgotten with the job should its hash be deleted.
local function ring(pool, id)
  if redis.call('EXISTS', stream(pool)) == 0 then redis.call('XGROUP', 'CREATE', stream(pool), 'ci-workers', '0', 'MKSTREAM') end
  local h = job(id, 'repo', 'key', 'group')
  local entry = redis.call('XADD', stream(pool), '*', 'id', id, 'repo', h.repo or '', 'key', h.key or '', 'group', h.group or '')
  redis.call('HSET', 'job:' .. id, 'entry', entry)
  return entry
end

local function unring(pool, entry) -- takes the entry out of the stream and of the group's view
  if not entry or entry == '' or redis.call('EXISTS', stream(pool)) == 0 then return end
  pcall(redis.call, 'XACK', stream(pool), 'ci-workers', entry)
  redis.call('XDEL', stream(pool), entry)
end
