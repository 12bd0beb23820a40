-- Sends the requests of a plan one after another, round and round: wrk -s wrk.lua URL -- PLAN
-- A plan (written by load.py) is, for each request, its length in bytes, a line end and the request as it goes on the wire.

local requests, place = {}, 0

function init(arguments)
  local plan = assert(io.open(arguments[1], "rb"))
  local length = plan:read("*n")
  while length do
    plan:read(1)
    requests[#requests + 1] = plan:read(length)
    length = plan:read("*n")
  end
  plan:close()
end

function request()
  place = place % #requests + 1
  return requests[place]
end

function done(summary)
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout
  ))
end
