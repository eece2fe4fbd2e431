select
    sponsors.sponsor_id,
    groups.group_id
from {{ ref('dim_sponsors') }} as sponsors
cross join {{ ref('dim_groups') }} as groups
left join {{ ref('group_scorecard') }} as scorecard
    on sponsors.sponsor_id = scorecard.sponsor_id and groups.group_id = scorecard.group_id
where scorecard.group_id is null
union all
-- No part scores more than the sponsor's weight for it.
select
    scorecard.sponsor_id,
    scorecard.group_id
from {{ ref('group_scorecard') }} as scorecard
inner join {{ ref('dim_sponsors') }} as sponsors on scorecard.sponsor_id = sponsors.sponsor_id
where
    scorecard.audience_points > sponsors.audience_weight
    or scorecard.attendance_points > sponsors.attendance_weight
    or scorecard.cadence_points > sponsors.cadence_weight
    or scorecard.growth_points > sponsors.growth_weight
    or scorecard.fill_points > sponsors.fill_weight
    or scorecard.proximity_points > sponsors.proximity_weight
    or scorecard.topics_points > sponsors.topics_weight
