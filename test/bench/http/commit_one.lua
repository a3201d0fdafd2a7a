-- All threads append to one table: load, commit to what was seen, after a 409 load again. Ids are below 2^53,
-- as Lua's numbers are doubles.
dofile(os.getenv("BENCH_HTTP") .. "/common.lua")
local current, sequence, id

function init()
	math.randomseed(number + 1)
end

function request()
	if not current then
		return wrk.format("GET", table_path("one"))
	end
	id = math.random(1, 2 ^ 30) * 2 ^ 20 + math.random(0, 2 ^ 20 - 1)
	return wrk.format("POST", table_path("one"), json_headers, append_body(current, sequence + 1, id))
end

function response(status, headers, body)
	if not current then
		if status ~= 200 then
			other_count = other_count + 1
			return
		end
		current = tonumber(body:match('"current%-snapshot%-id"%s*:%s*(%-?%d+)'))
		sequence = tonumber(body:match('"last%-sequence%-number"%s*:%s*(%d+)'))
	elseif status == 200 then
		done_count = done_count + 1
		current, sequence = id, sequence + 1
	else
		if status == 409 then
			conflict_count = conflict_count + 1
		else
			other_count = other_count + 1
		end
		current = nil
	end
end
