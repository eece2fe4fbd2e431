-- Marts
select
    (select count(*) from dim_groups where not is_unknown) as groups,
    (select count(*) from dim_members where not is_unknown) as members,
    (select count(*) from fct_events) as events,
    (select count(*) from fct_rsvps) as rsvps,
    (select as_of from data_freshness) as as_of
