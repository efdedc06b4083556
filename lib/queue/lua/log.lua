-- with: common
-- Lines and marks of the running attempt. ARGV: id, token, phases JSON or empty, steps JSON or empty, then seq, kind, step,
-- text, lines, line of each chunk. Chunks already there are passed over, so a repeat is harmless. Above the attempt's budget the oldest
-- output behind the head is cut, and the cut counted in the job's field `cut:<attempt>`. Gives `ok`, `cancel` or `lost`.
local id, token = ARGV[1], ARGV[2]
local key, log = 'job:' .. id, 'job:' .. id .. ':log'
local h = job(id, 'state', 'token', 'attempt', 'cancelled', 'logSeq', 'logHeld', 'logHead', 'logCutTo')
if h.state ~= 'running' or h.token ~= token then return 'lost' end
if ARGV[3] ~= '' then redis.call('HSET', key, 'phases', ARGV[3]) end
if ARGV[4] ~= '' then redis.call('HSET', key, 'steps', ARGV[4]) end
local last, held, added, head, to = tonumber(h.logSeq or 0), tonumber(h.logHeld or 0), 0, h.logHead or '', h.logCutTo or ''
for i = 5, #ARGV, 6 do
  if tonumber(ARGV[i]) > last then
    last = tonumber(ARGV[i])
    local entry = redis.call('XADD', log, h.attempt .. '-' .. ARGV[i], 'k', ARGV[i + 1], 's', ARGV[i + 2], 'd', ARGV[i + 3],
      'n', ARGV[i + 4], 'l', ARGV[i + 5], 'at', now)
    added = added + #ARGV[i + 3]
    if head == '' and held + added > L.logJob / 2 then head, to = entry, entry end
  end
end
local cut, lines = 0, 0
while held + added - cut > L.logJob do
  local oldest = redis.call('XRANGE', log, '(' .. to, '+', 'COUNT', 1)[1]
  if not oldest then break end
  to = oldest[1]
  if oldest[2][2] == 'out' then -- fields in the order written: k s d n
    cut, lines = cut + #oldest[2][6], lines + oldest[2][8]
    redis.call('XDEL', log, to)
  end
end
if cut > 0 then
  local so = cjson.decode(redis.call('HGET', key, 'cut:' .. h.attempt) or '{"bytes":0,"lines":0}')
  redis.call('HSET', key, 'cut:' .. h.attempt, cjson.encode({ bytes = so.bytes + cut, lines = so.lines + lines }))
end
if added > 0 then
  redis.call('HSET', key, 'logSeq', last, 'logHeld', held + added - cut, 'logHead', head, 'logCutTo', to)
  redis.call('HINCRBY', key, 'logBytes', added - cut)
  redis.call('INCRBY', 'ci-log-bytes', added - cut)
end
return h.cancelled == '1' and 'cancel' or 'ok'
