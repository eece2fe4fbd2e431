-- Topics to choose from.
select topic_name
from dim_topics
order by topic_name
