-- with: common visible ending
-- flags: allow-oom
-- ARGV: id, reason. A waiting job ends at once; a running one is flagged, and its agent told. The flag outranks release,
-- expiry and success. Gives { state before, state after }, or { 'unknown' }.
local id = ARGV[1]
local h = record(id)
if not h.state then return { 'unknown' } end
if h.state == 'running' then
  if h.cancelled ~= '1' then
    redis.call('HSET', 'job:' .. id, 'cancelled', 1, 'cancelReason', ARGV[2])
    tell(id, 'cancelling', h.attempt, 'cancel', ARGV[2], h.report)
  end
  redis.call('PUBLISH', 'ci-cancel:' .. id, '1')
  return { 'running', 'running' }
end
if h.state == 'held' or h.state == 'pending' or h.state == 'delayed' then
  return { h.state, conclude(id, h, 'cancelled', ARGV[2], 'cancel') }
end
return { h.state, h.state }
