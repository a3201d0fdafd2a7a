-- A thread appends to its own tables in turn, so that they hardly grow; it knows their last snapshots because
-- nobody else writes.
dofile(os.getenv("BENCH_HTTP") .. "/common.lua")
local snapshots, rotate = tonumber(os.getenv("BENCH_SNAPSHOTS")), tonumber(os.getenv("BENCH_ROTATE"))

function request()
	local last = snapshots + math.floor(done_count / rotate)
	local name = "t" .. (number * rotate + done_count % rotate)
	return wrk.format("POST", table_path(name), commit_headers(), append_body(last, last + 1, last + 1))
end

function response(status)
	if status == 200 then
		done_count = done_count + 1
	elseif status == 409 then
		conflict_count = conflict_count + 1
	else
		other_count = other_count + 1
	end
end
