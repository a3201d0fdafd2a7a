-- Thread n appends to table n; it knows the last snapshot because nobody else writes.
dofile(os.getenv("BENCH_HTTP") .. "/common.lua")
local last = tonumber(os.getenv("BENCH_SNAPSHOTS"))

function request()
	return wrk.format("POST", table_path("t" .. number), json_headers, append_body(last, last + 1, last + 1))
end

function response(status)
	if status == 200 then
		last = last + 1
		done_count = done_count + 1
	elseif status == 409 then
		conflict_count = conflict_count + 1
	else
		other_count = other_count + 1
	end
end
