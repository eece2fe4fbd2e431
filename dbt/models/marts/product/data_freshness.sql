{{ config(unique_key='batch_count') }}

select
    clock.as_of,
    {{ var('as_of', none) is not none }} as is_as_of_set,
    clock.latest_at,
    last_load.loaded_at,
    last_load.dropped_on as latest_drop_on,
    last_load.batch_count,
    {{ days_between('clock.as_of', 'last_load.loaded_at') }} as days_behind_load
from {{ ref('int_as_of') }} as clock
cross join {{ ref('int_last_load') }} as last_load
