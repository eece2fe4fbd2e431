{{ config(post_hook="insert into oven_audit.runs select current_timestamp where false") }}
select
    s.bread_id,
    b.bread,
    sum(s.pieces) as pieces,
    sum(s.pieces * p.price) as revenue,
    case when sum(s.pieces) >= 5 then 'popular' else 'slow' end as demand
from {{ ref('sales') }} as s
join {{ ref('breads') }} as b on s.bread_id = b.bread_id
join {{ ref('prices') }} as p on s.bread_id = p.bread_id
group by s.bread_id, b.bread
