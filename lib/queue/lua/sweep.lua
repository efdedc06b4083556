-- with: common visible clock ending
-- flags: allow-oom
-- Agents that hold no job and have not been heard of for two leases are taken off the list. No ARGV. Gives how many.
local till, swept = grace(), 0
local all = redis.call('HGETALL', 'ci-agents')
for i = 1, #all, 2 do
  local a = cjson.decode(all[i + 1])
  local h = a.job and job(a.job, 'state', 'token') or {}
  local holds = h.state == 'running' and h.token == a.token
  if not holds and now >= till and now - a.beat > 2 * L.lease then
    leave(all[i], a.pool)
    swept = swept + 1
  end
end
return swept
