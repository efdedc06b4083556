-- with: common ending
-- flags: allow-oom
-- ARGV: limits, id, reason. A waiting job ends at once; a running one is flagged, and its agent told. The flag outranks release,
-- expiry and success. Gives { state before, state after }, or { 'unknown' }.
local id = ARGV[2]
local h = job(id, 'state', 'attempt', 'cancelled')
if not h.state then return { 'unknown' } end
if h.state == 'running' then
  if h.cancelled ~= '1' then
    redis.call('HSET', 'job:' .. id, 'cancelled', 1, 'cancelReason', ARGV[3])
    tell(id, 'cancelling', h.attempt, 'cancel', ARGV[3])
  end
  redis.call('PUBLISH', 'ci-cancel:' .. id, '1')
  return { 'running', 'running' }
end
if h.state == 'held' or h.state == 'pending' or h.state == 'delayed' then
  return { h.state, conclude(id, 'cancelled', ARGV[3], 'cancel') }
end
return { h.state, h.state }
