{{
    config(
        unique_key=['event_key', 'user_id', 'change_number'],
        meta={'states': 'int_event_record_states', 'scope': 'event_key', 'state': ['records_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

-- All lists of answers of events that have more than one, in order. If a drop has several records of an event, the last one counts.
with known as (
    select
        *,
        row_number() over (partition by event_key, _dropped_on, _batch_seq order by {{ version_order('desc') }}) as rank_in_drop
    from {{ ref('int_event_versions') }}
    where has_answer_list and {{ is_changed('event_key', 'int_event_record_states') }}
),

numbered as (
    select
        event_key,
        group_id,
        _batch_seq,
        _dropped_on,
        _source_file,
        _record_index,
        row_number() over (partition by event_key order by _dropped_on, _batch_seq) as list_number,
        count(*) over (partition by event_key) as list_count
    from known
    where rank_in_drop = 1
),

lists as (
    select * from numbered
    where list_count > 1
),

ranked as (
    select
        lists.event_key,
        lists.list_number,
        lists.list_count,
        rsvps.user_id,
        rsvps.response,
        rsvps.guests,
        rsvps.responded_at,
        {{ answer_rank('lists.event_key, lists.list_number', 'rsvps') }} as answer_rank
    from lists
    inner join {{ ref('stg_meetup__rsvps') }} as rsvps on {{ is_same_record('lists', 'rsvps') }}
),

answers as (
    select
        *,
        lag(list_number) over answer as earlier_list,
        lag(response) over answer as earlier_response,
        lag(guests) over answer as earlier_guests,
        lead(list_number) over answer as later_list
    from ranked
    where answer_rank = 1
    window answer as (partition by event_key, user_id order by list_number)
),

changes as (
    -- An answer that differs from the one in the previous list, or was missing there.
    select
        event_key,
        user_id,
        list_number,
        case when earlier_list = list_number - 1 then earlier_response end as from_response,
        case when earlier_list = list_number - 1 then earlier_guests end as from_guests,
        response,
        guests,
        responded_at
    from answers
    where earlier_list < list_number - 1 or response <> earlier_response or guests <> earlier_guests
    union all
    -- An answer that is missing in the next list.
    select
        event_key,
        user_id,
        list_number + 1 as list_number,
        response as from_response,
        guests as from_guests,
        cast(null as string) as response,
        null as guests,
        cast(null as timestamp) as responded_at
    from answers
    where list_number < list_count and coalesce(later_list, 0) <> list_number + 1
)

select
    changes.event_key,
    changes.user_id,
    cast(row_number() over (partition by changes.event_key, changes.user_id order by changes.list_number) as int) as change_number,
    lists.group_id,
    changes.from_response,
    changes.from_guests,
    changes.response,
    changes.guests,
    changes.responded_at,
    case when lists._dropped_on > date '1970-01-01' then lists._dropped_on end as changed_on,
    lists._batch_seq
from changes
inner join lists on changes.event_key = lists.event_key and changes.list_number = lists.list_number
