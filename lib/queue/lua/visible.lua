-- The two places where a job becomes visible to others: events, and the stream that KEDA counts.
local function tell(id, state, attempt, actor, reason, report) -- every change of state, for whoever looks on
  redis.call('XADD', 'ci-events', 'MAXLEN', '~', L.events, '*', 'id', id, 'state', state,
    'attempt', attempt, 'actor', actor, 'reason', reason, 'at', now)
  if report == '1' then redis.call('ZADD', 'ci-status', now, id) end
end

local function always(key) return key:sub(1, 2) == 'k:' end -- a caller's own key; the others begin with `b:`
local function answers_for(key, group) -- the job that does, or false
  return redis.call(unpack(always(key) and { 'GET', 'ci-key:' .. key } or { 'HGET', 'ci-unfinished:' .. group, key }))
end

-- One stream entry: KEDA counts it, idle agents wake. It also names what must be forgotten with the job should its hash be deleted. Gives
-- its id, which belongs into the job's field `entry`.
local function ring(pool, id, h)
  local to, repo, key, group = stream(pool), h.repo or '', h.key, h.group
  local entry = redis.call('XADD', to, 'NOMKSTREAM', '*', 'id', id, 'repo', repo, 'key', key, 'group', group)
  if entry then return entry end
  redis.call('XGROUP', 'CREATE', to, 'ci-workers', '0', 'MKSTREAM')
  return redis.call('XADD', to, '*', 'id', id, 'repo', repo, 'key', key, 'group', group)
end

local function unring(pool, entry) -- takes the entry out of the stream and of the group's view
  if not entry or entry == '' then return end
  redis.call('XACK', stream(pool), 'ci-workers', entry)
  redis.call('XDEL', stream(pool), entry)
end
