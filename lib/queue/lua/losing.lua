-- An attempt that ended without a result: lost agent, lost network, drained agent. Gives the job's new state.
local function lose(id, reason, free, actor)
  local h = job(id, 'pool', 'attempt', 'tries', 'seq', 'cancelled', 'cancelReason', 'entry', 'agent')
  if h.cancelled == '1' then return conclude(id, 'cancelled', h.cancelReason, actor) end
  local tries = h.tries + (free and 0 or 1)
  redis.call('HSET', 'job:' .. id, 'tries', tries)
  if tries >= L.tries then return conclude(id, 'dead', reason .. ' (' .. tries .. ' times)', actor) end
  unring(h.pool, h.entry)
  leave(h.agent, h.pool, id)
  local state = (free or tries == 1) and 'pending' or 'delayed'
  local due_at = state == 'delayed' and now + math.min(L.backoffMax, L.backoff * 2 ^ (tries - 2)) or ''
  mark(id, h.attempt, 'lost', reason, due_at)
  redis.call('HSET', 'job:' .. id, 'state', state, 'reason', reason, 'token', '', 'agent', '', 'entry', '', 'queuedAt', now,
    'endedAt', now, 'dueAt', due_at)
  if state == 'pending' then
    redis.call('ZADD', due(h.pool), h.seq, id) -- its old place
    ring(h.pool, id)
  else
    redis.call('ZADD', due(h.pool), due_at, id)
  end
  tell(id, state, h.attempt, actor, reason)
  return state
end
