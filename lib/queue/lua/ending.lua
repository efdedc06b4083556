-- How an attempt and a job end. Used by every script that takes a job from an agent or decides it.
local function mark(id, attempt, state, reason, again) -- the last possible id of an attempt: Redis refuses any later line of it
  if redis.call('HGET', 'job:' .. id, 'logEnd') == attempt then return end
  redis.call('XADD', 'job:' .. id .. ':log', attempt .. '-18446744073709551615', 'k', 'end', 'd', state, 'reason', reason, 'at', now, 'again', again or '')
  redis.call('HSET', 'job:' .. id, 'logEnd', attempt)
end

local function leave(agent, pool, id) -- the agent holds this job no more; a later claim of its is none of our business
  local held = agent and agent ~= '' and redis.call('HGET', 'ci-agents', agent)
  if not held or (id and cjson.decode(held).job ~= id) then return end
  redis.call('HDEL', 'ci-agents', agent)
  pcall(redis.call, 'XGROUP', 'DELCONSUMER', stream(pool), 'ci-workers', agent)
end

local function conclude(id, state, reason, actor) -- any unfinished job → its one final state
  local h = job(id, 'pool', 'state', 'attempt', 'entry', 'agent', 'key', 'keyMode', 'group')
  redis.call('ZREM', due(h.pool), id)
  redis.call('ZREM', 'ci-held', id)
  unring(h.pool, h.entry)
  leave(h.agent, h.pool, id)
  redis.call('HSET', 'job:' .. id, 'state', state, 'reason', reason, 'finishedAt', now, 'dueAt', '', 'entry', '')
  if h.state == 'running' then redis.call('HSET', 'job:' .. id, 'endedAt', now) end
  redis.call('ZADD', 'jobs:state:' .. state, now, id)
  redis.call('ZADD', 'ci-expire', now + (state == 'dead' and L.keepDead or L.keep), id)
  if state == 'dead' then redis.call('ZADD', 'ci-dead', now, id) end
  if h.keyMode == 'open' and redis.call('GET', 'ci-key:' .. h.key) == id then redis.call('DEL', 'ci-key:' .. h.key) end
  redis.call('SREM', 'ci-open:' .. h.group, id)
  mark(id, h.attempt, state, reason)
  tell(id, state, h.attempt, actor, reason)
  return state
end
