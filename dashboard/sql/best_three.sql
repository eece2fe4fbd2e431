-- Three of the best 20 candidates at a time: how many different people are active in them. People of all three are subtracted twice with the pairs, and so are added again.
with candidates as (
    select
        group_id,
        group_name,
        max(active_members) as people,
        row_number() over (order by min(sponsor_rank), group_id) as place
    from group_scorecard
    where is_candidate
    group by group_id, group_name
    qualify place <= 20
),

pairs as (
    select
        least(a.place, b.place) as first_place,
        greatest(a.place, b.place) as second_place,
        overlap.shared_actives as shared
    from group_overlap as overlap
    inner join candidates as a on overlap.group_id = a.group_id
    inner join candidates as b on overlap.other_group_id = b.group_id
),

actives as (
    select
        attendees.user_id,
        list_sort(list(candidates.place)) as places
    from group_attendees as attendees
    inner join candidates on attendees.group_id = candidates.group_id
    where attendees.is_active
    group by attendees.user_id
    having count(*) >= 3
),

triples as (
    select
        a.place as first_place,
        b.place as second_place,
        c.place as third_place,
        count(*) as shared
    from actives
    cross join candidates as a
    cross join candidates as b
    cross join candidates as c
    where
        a.place < b.place
        and b.place < c.place
        and list_has_all(actives.places, [a.place, b.place, c.place])
    group by all
)

select
    a.group_id as first_id,
    b.group_id as second_id,
    c.group_id as third_id,
    a.group_name as first_group,
    b.group_name as second_group,
    c.group_name as third_group,
    cast(
        a.people + b.people + c.people - coalesce(ab.shared, 0) - coalesce(ac.shared, 0) - coalesce(bc.shared, 0)
        + coalesce(triples.shared, 0) as bigint
    ) as different_people,
    a.people + b.people + c.people - different_people as counted_twice
from candidates as a
inner join candidates as b on a.place < b.place
inner join candidates as c on b.place < c.place
left join pairs as ab on ab.first_place = a.place and ab.second_place = b.place
left join pairs as ac on ac.first_place = a.place and ac.second_place = c.place
left join pairs as bc on bc.first_place = b.place and bc.second_place = c.place
left join triples
    on triples.first_place = a.place and triples.second_place = b.place and triples.third_place = c.place
order by different_people desc, a.place, b.place, c.place
