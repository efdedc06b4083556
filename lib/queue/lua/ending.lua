-- How an attempt and a job end. Used by every script that takes a job from an agent or decides it.
local function mark(id, attempt, state, reason, again) -- the last possible id of an attempt: Redis refuses any later line of it
  -- and refuses a second mark: an attempt that was lost and whose job is then cancelled has one already
  redis.pcall('XADD', 'job:' .. id .. ':log', attempt .. '-18446744073709551615', 'k', 'end', 'd', state, 'reason', reason,
    'at', now, 'again', again or '')
end

local function leave(agent, pool, id) -- the agent holds this job no more; a later claim of its is none of our business
  local held = agent and agent ~= '' and redis.call('HGET', 'ci-agents', agent)
  if not held or (id and not held:find(id, 1, true)) then return end
  redis.call('HDEL', 'ci-agents', agent)
  redis.pcall('XGROUP', 'DELCONSUMER', stream(pool), 'ci-workers', agent)
end

local function close(id, h) -- not unfinished any more: nothing to supersede, and what is built may be asked for anew
  local group = 'ci-unfinished:' .. h.group
  redis.call('HDEL', group, id, redis.call('HGET', group, h.key) == id and h.key or id)
end

local function conclude(id, h, state, reason, actor, ...) -- any unfinished job → its one final state; with fields to set besides
  redis.call('ZREM', h.state == 'held' and 'ci-held' or due(h.pool), id)
  unring(h.pool, h.entry)
  leave(h.agent, h.pool, id)
  redis.call('HSET', 'job:' .. id, 'state', state, 'reason', reason, 'finishedAt', now, 'dueAt', '', 'entry', '',
    'endedAt', h.state == 'running' and now or h.endedAt or '', ...)
  redis.call('ZADD', 'jobs:state:' .. state, now, id)
  redis.call('ZADD', 'ci-expire', now + (state == 'dead' and L.keepDead or L.keep), id)
  if state == 'dead' then redis.call('ZADD', 'ci-dead', now, id) end
  close(id, h)
  mark(id, h.attempt, state, reason)
  tell(id, state, h.attempt, actor, reason, h.report)
  return state
end
