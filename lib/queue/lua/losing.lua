-- An attempt that ended without a result: lost agent, lost network, drained agent. Gives the job's new state.
local function lose(id, h, reason, free, actor)
  if h.cancelled == '1' then return conclude(id, h, 'cancelled', h.cancelReason, actor) end
  local tries = h.tries + (free and 0 or 1)
  if tries >= L.tries then return conclude(id, h, 'dead', reason .. ' (' .. tries .. ' times)', actor, 'tries', tries) end
  unring(h.pool, h.entry)
  leave(h.agent, h.pool, id)
  local state = (free or tries == 1) and 'pending' or 'delayed'
  local due_at = state == 'delayed' and now + math.min(L.backoffMax, L.backoff * 2 ^ (tries - 2)) or ''
  mark(id, h.attempt, 'lost', reason, due_at)
  -- pending: its old place, at once
  local entry = state == 'pending' and ring(h.pool, id, h) or ''
  redis.call('ZADD', due(h.pool), state == 'pending' and h.seq or due_at, id)
  redis.call('HSET', 'job:' .. id, 'state', state, 'reason', reason, 'tries', tries, 'token', '', 'agent', '', 'entry', entry,
    'queuedAt', now, 'endedAt', now, 'dueAt', due_at)
  tell(id, state, h.attempt, actor, reason, h.report)
  return state
end
