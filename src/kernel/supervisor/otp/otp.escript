#!/usr/bin/env escript
%% Runs sequences (a file of terms) on OTP's own supervisor and prints what happened, one line for each sequence.
-mode(compile).
-export([init/1, start_worker/2, start_nested/2]).

main([File]) ->
    logger:set_primary_config(level, none),
    {ok, Sequences} = file:consult(File),
    Self = self(),
    [spawn(fun() -> Self ! {done, N, run(S)} end) || {N, S} <- lists:enumerate(Sequences)],
    [receive {done, N, Lines} -> io:format("~s~n", [lists:join("\t", Lines)]) end || {N, _} <- lists:enumerate(Sequences)].

run({Tree, Steps}) ->
    process_flag(trap_exit, true),
    Tab = ets:new(world, [public, ordered_set]),
    {ok, Top} = supervisor:start_link(?MODULE, {Tab, Tree}),
    ets:insert(Tab, {{pid, top}, Top}),
    [observe(Tab, "") | [begin Result = step(Step, Tab), settle(Tab, 0, none), observe(Tab, Result) end || Step <- Steps]].

step({exit, Id, Reason}, Tab) -> die(Tab, Id, Reason), "";
step({exit_together, On, First, Second}, Tab) ->
    case alive(Tab, On) of
        none -> "";
        Sup ->
            sys:suspend(Sup),
            [die(Tab, Id, Reason) || {Id, Reason} <- [First, Second]],
            sys:resume(Sup), ""
    end;
step({fail, Id, Times}, Tab) -> ets:insert(Tab, {{fail, Id}, Times}), "";
step({kill_supervisor, Id}, Tab) -> die(Tab, Id, kill), "";
step(stop, Tab) ->
    case alive(Tab, top) of none -> ok; Top -> exit(Top, shutdown), receive {'EXIT', Top, _} -> ok end end, "";
step({start, On, Child}, Tab) -> call(Tab, On, fun(Sup) -> supervisor:start_child(Sup, spec(Tab, Child)) end);
step({terminate, On, Id}, Tab) -> call(Tab, On, fun(Sup) -> supervisor:terminate_child(Sup, Id) end);
step({restart, On, Id}, Tab) -> call(Tab, On, fun(Sup) -> supervisor:restart_child(Sup, Id) end);
step({delete, On, Id}, Tab) -> call(Tab, On, fun(Sup) -> supervisor:delete_child(Sup, Id) end).

call(Tab, On, Fun) ->
    case alive(Tab, On) of
        none -> "stopped";
        Sup ->
            case Fun(Sup) of
                ok -> "ok";
                {ok, _} -> "ok";
                {error, {already_started, _}} -> "already_started";
                {error, Known} when Known =:= already_present; Known =:= not_found; Known =:= running; Known =:= restarting ->
                    atom_to_list(Known);
                {error, _} -> "start_failed"
            end
    end.

%% Ends a process from outside or from inside, and waits until it is gone.
die(Tab, Id, Reason) ->
    case alive(Tab, Id) of
        none -> ok;
        Pid ->
            Ref = monitor(process, Pid),
            case Reason of kill -> exit(Pid, kill); _ -> Pid ! {die, Reason} end,
            receive {'DOWN', Ref, process, Pid, _} -> ok end
    end.

alive(Tab, Id) ->
    case ets:lookup(Tab, {pid, Id}) of
        [{_, Pid}] -> case is_process_alive(Pid) of true -> Pid; false -> none end;
        [] -> none
    end.

%% Until the same is seen five times in a row.
settle(_, 5, _) -> ok;
settle(Tab, Times, Seen) ->
    timer:sleep(1),
    case {look(Tab), ets:info(Tab, size)} of
        Seen -> settle(Tab, Times + 1, Seen);
        Other -> settle(Tab, 0, Other)
    end.

observe(Tab, Result) ->
    Log = [Entry || [_, Entry] <- ets:match(Tab, {{log, '$1'}, '$2'})],
    ets:match_delete(Tab, {{log, '_'}, '_'}),
    [lists:join(" ", Log), " | ", Result, " | ", look(Tab)].

look(Tab) ->
    case alive(Tab, top) of
        none -> "dead";
        Top -> try look_below(Top) catch exit:_ -> "dead" end
    end.

look_below(Sup) ->
    lists:join(" ", [one(Child) || Child <- lists:keysort(1, supervisor:which_children(Sup))]).

one({Id, undefined, _, _}) -> [atom_to_list(Id), "-"];
one({Id, restarting, _, _}) -> [atom_to_list(Id), "~"];
one({Id, _, worker, _}) -> [atom_to_list(Id), "+"];
one({Id, Pid, supervisor, _}) -> [atom_to_list(Id), "+[", look_below(Pid), "]"].

init({Tab, {Strategy, Intensity, AutoShutdown, Children}}) ->
    Flags = #{strategy => Strategy, intensity => Intensity, period => 3600, auto_shutdown => AutoShutdown},
    {ok, {Flags, [spec(Tab, Child) || Child <- Children]}}.

spec(Tab, {worker, Id, Restart, Significant, Brutal}) ->
    Shutdown = case Brutal of true -> brutal_kill; false -> 5000 end,
    #{id => Id, start => {?MODULE, start_worker, [Tab, Id]}, restart => Restart, significant => Significant, shutdown => Shutdown};
spec(Tab, {supervisor, Id, Restart, Significant, Tree}) ->
    #{id => Id, start => {?MODULE, start_nested, [Tab, {Id, Tree}]}, restart => Restart, significant => Significant, type => supervisor}.

start_nested(Tab, {Id, Tree}) ->
    case supervisor:start_link(?MODULE, {Tab, Tree}) of
        {ok, Pid} -> ets:insert(Tab, {{pid, Id}, Pid}), {ok, Pid};
        Error -> Error
    end.

start_worker(Tab, Id) ->
    case ets:lookup(Tab, {fail, Id}) of
        [{_, Times}] when Times > 0 ->
            ets:insert(Tab, {{fail, Id}, Times - 1}),
            log(Tab, "!", Id, ""),
            {error, fails};
        _ ->
            log(Tab, "+", Id, ""),
            {ok, Pid} = proc_lib:start_link(erlang, apply, [fun() -> process_flag(trap_exit, true), proc_lib:init_ack({ok, self()}), live(Tab, Id) end, []]),
            ets:insert(Tab, {{pid, Id}, Pid}),
            {ok, Pid}
    end.

live(Tab, Id) ->
    receive
        {'EXIT', _, shutdown} -> log(Tab, "-", Id, "(shutdown)"), exit(shutdown);
        {'EXIT', _, Reason} -> exit(Reason);
        {die, Reason} -> exit(Reason)
    end.

log(Tab, Sign, Id, What) ->
    ets:insert(Tab, {{log, erlang:unique_integer([monotonic])}, [Sign, atom_to_list(Id), What]}).
