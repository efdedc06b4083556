-- Shared by every script: Redis's own time, names, a job's record. `L` are the limits (lib/queue/limits.ts),
-- written above this text when it is put together.
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

local function record(id) -- all that transitions decide by; what was never written is false, as a number 0
  local h = job(id, 'state', 'pool', 'seq', 'entry', 'attempt', 'tries', 'token', 'agent', 'cancelled', 'cancelReason',
    'repo', 'key', 'group', 'report', 'endedAt')
  h.attempt, h.tries = tonumber(h.attempt or 0), tonumber(h.tries or 0)
  h.key, h.group = h.key or '', h.group or ''
  return h
end
