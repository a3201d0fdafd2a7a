-- GET of one path: what the gateway alone costs.
dofile(os.getenv("BENCH_HTTP") .. "/common.lua")

function request()
	return wrk.format("GET", os.getenv("BENCH_PATH"))
end

function response(status)
	if status == 200 then
		done_count = done_count + 1
	else
		other_count = other_count + 1
	end
end
