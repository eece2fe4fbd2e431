with expected as (
    select
        'groups_unknown' as check_name,
        count_if(is_unknown) as failing_count
    from {{ ref('dim_groups') }}
    union all
    select
        'members_unknown' as check_name,
        count_if(is_unknown) as failing_count
    from {{ ref('dim_members') }}
    union all
    select
        'venues_unknown' as check_name,
        count_if(is_unknown) as failing_count
    from {{ ref('dim_venues') }}
    union all
    select
        'groups_gone' as check_name,
        count_if(is_gone) as failing_count
    from {{ ref('dim_groups') }}
    union all
    select
        'members_gone' as check_name,
        count_if(is_gone) as failing_count
    from {{ ref('dim_members') }}
    union all
    select
        'venues_gone' as check_name,
        count_if(is_gone) as failing_count
    from {{ ref('dim_venues') }}
    union all
    select
        'events_gone' as check_name,
        count_if(is_gone) as failing_count
    from {{ ref('fct_events') }}
    union all
    select
        entity || '_rejected' as check_name,
        count(*) as failing_count
    from {{ source('raw', 'rejected_records') }}
    group by entity
)

select
    expected.check_name,
    expected.failing_count,
    quality.failing_count as counted
from expected
left join {{ ref('data_quality') }} as quality on expected.check_name = quality.check_name
where coalesce(quality.failing_count, -1) <> expected.failing_count
