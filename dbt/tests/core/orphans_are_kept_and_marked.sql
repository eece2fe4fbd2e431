-- A dimension marks a row as unknown exactly if the source has no such id.
with flags as (
    select
        'member' as kind,
        members.user_id as id,
        members.is_unknown,
        source_users.user_id is null as is_missing
    from {{ ref('dim_members') }} as members
    left join (select distinct user_id from {{ ref('stg_meetup__users') }}) as source_users on members.user_id = source_users.user_id
    union all
    select
        'group' as kind,
        groups.group_id as id,
        groups.is_unknown,
        source_groups.group_id is null as is_missing
    from {{ ref('dim_groups') }} as groups
    left join (select distinct group_id from {{ ref('stg_meetup__groups') }}) as source_groups on groups.group_id = source_groups.group_id
    union all
    select
        'venue' as kind,
        venues.venue_id as id,
        venues.is_unknown,
        source_venues.venue_id is null as is_missing
    from {{ ref('dim_venues') }} as venues
    left join (select distinct venue_id from {{ ref('stg_meetup__venues') }}) as source_venues on venues.venue_id = source_venues.venue_id
)

select *
from flags
where is_unknown <> is_missing
