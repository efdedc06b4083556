-- What forges know of a job. Whatever they are told is made of these fields, so the digest changes with it; false: there is no such job.
local function digest(id)
  local h = job(id, 'state', 'attempt', 'reason')
  return h.state and redis.sha1hex(h.state .. ' ' .. (h.attempt or 0) .. ' ' .. (h.reason or ''))
end

local function settle(id, known, from) -- nothing is owed any more once each forge (ARGV from there on) knows it
  for i = from, #ARGV do
    if redis.call('HGET', 'job:' .. id, 'told:' .. ARGV[i]) ~= known then return end
  end
  redis.call('ZREM', 'ci-status', id)
end
