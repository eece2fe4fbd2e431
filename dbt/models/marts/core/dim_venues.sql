{{ config(unique_key='venue_id') }}

with known as (
    select * from {{ ref('int_venues_latest') }}
),

used_or_known as (
    select venue_id from known
    union distinct
    select venue_id
    from {{ ref('int_events_latest') }}
    where venue_id is not null
)

select
    used_or_known.venue_id,
    case when known.venue_id is null then 'Unknown venue' else known.venue_name end as venue_name,
    known.city,
    known.country,
    known.latitude,
    known.longitude,
    known.venue_id is null as is_unknown,
    known.gone_at is not null as is_gone,
    known.gone_at
from used_or_known
left join known on used_or_known.venue_id = known.venue_id
