-- Changes whenever a user's records change, or what a complete drop says about any user.
with gone as (
    select {{ rows_digest(['_batch_seq', 'gone_at']) }} as gone_state
    from {{ ref('int_gone_after') }}
    where entity = 'users' and gone_at is not null
),

rejected as (
    select {{ rows_digest(['record_key', 'batch_number', 'gone_at']) }} as rejected_state
    from {{ ref('int_last_rejected') }}
    where entity = 'users'
),

records as (
    select
        user_id,
        cast(count(*) as bigint) as record_count,
        max(_batch_seq) as last_batch_seq
    from {{ ref('stg_meetup__users') }}
    group by user_id
)

select
    records.user_id,
    records.record_count,
    records.last_batch_seq,
    gone.gone_state,
    rejected.rejected_state
from records
cross join gone
cross join rejected
