-- with: common visible clock ending forgetting
-- flags: allow-oom
-- The line against the stream, a page at a time. ARGV: pool, rank, last entry id seen. Every runnable or running member has
-- exactly one entry, every entry such a member. Gives { repairs, next rank or -1, next entry id or '' }.
local pool, rank, from = ARGV[1], tonumber(ARGV[2]), ARGV[3]
grace()
local repairs, nextRank, nextEntry = 0, -1, ''
if rank >= 0 then
  local members = redis.call('ZRANGE', due(pool), rank, rank + 199)
  if #members == 200 then nextRank = rank + 200 end
  for _, id in ipairs(members) do
    local h = record(id)
    if h.state == 'pending' or h.state == 'running' then
      local there = h.entry and h.entry ~= '' and redis.call('XRANGE', stream(pool), h.entry, h.entry)[1]
      if not there then
        redis.call('HSET', 'job:' .. id, 'entry', ring(pool, id, h))
        repairs = repairs + 1
      end
    elseif h.state ~= 'delayed' then
      discard(id, pool)
      repairs = repairs + 1
    end
  end
end
if from ~= '' then
  local entries = redis.call('XRANGE', stream(pool), from, '+', 'COUNT', 200)
  if #entries == 200 then nextEntry = '(' .. entries[200][1] end
  for _, entry in ipairs(entries) do
    local id = entry[2][2]
    if not redis.call('ZSCORE', due(pool), id) or redis.call('HGET', 'job:' .. id, 'entry') ~= entry[1] then
      unring(pool, entry[1])
      repairs = repairs + 1
    end
  end
end
return { repairs, nextRank, nextEntry }
