"""Names that are common in Bengaluru: given and family names by community, and some in Indian scripts."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


GIVEN_AND_FAMILY: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (  # Kannada
        _names(
            "Manjunath, Shivakumar, Lakshmi, Nagaraj, Savitha, Basavaraj, Chaitra, Raghavendra, "
            "Pushpa, Mahesh, Kavya, Girish, Shwetha, Puneeth, Rashmi, Yogesh, Bhavya, Naveen"
        ),
        _names("Gowda, Hegde, Shetty, Rao, Bhat, H S, B K, Patil, Murthy, Kulkarni, N, Swamy"),
    ),
    (  # Telugu
        _names(
            "Venkatesh, Srinivas, Padmavathi, Sai Kiran, Anusha, Ramesh, Swathi, Harsha, Sirisha, "
            "Naresh, Lavanya, Praveen, Keerthi, Chandrasekhar, Madhavi, Tejaswini"
        ),
        _names("Reddy, Naidu, Chowdary, Rao, Varma, Raju, Goud, Prasad, Kumar, Devi"),
    ),
    (  # Tamil
        _names(
            "Karthik, Meenakshi, Senthil, Priya, Murugan, Divya, Saravanan, Revathi, Arun, Kalpana, "
            "Balaji, Vidhya, Ganesan, Nithya, Prakash, Deepa"
        ),
        _names("Subramanian, Iyer, Krishnan, Raman, Natarajan, S, Pillai, Selvam, Rajan, Mudaliar"),
    ),
    (  # Hindi and other northern names
        _names(
            "Amit, Neha, Rahul, Pooja, Vikram, Sunita, Rajesh, Anjali, Sandeep, Ritu, Alok, Shalini, "
            "Deepak, Nisha, Manish, Preeti"
        ),
        _names("Sharma, Verma, Gupta, Singh, Mishra, Agarwal, Jain, Das, Mukherjee, Yadav, Joshi"),
    ),
    (  # Muslim
        _names(
            "Imran, Ayesha, Mohammed Irfan, Shabana, Syed Asif, Farheen, Abdul Rahman, Nazia, Zubair, "
            "Rukhsana, Salman, Tabassum"
        ),
        _names("Khan, Pasha, Ahmed, Shariff, Baig, Hussain, Banu, Sait, Ali"),
    ),
    (  # Christian
        _names("Joseph, Mary, Anthony, Sheeba, Alwyn, Roshni, Thomas, Jacintha, Prakash, Lydia"),
        _names("D'Souza, Fernandes, Mathew, Pinto, George, Rodrigues, Varghese, Lobo, Philip"),
    ),
)

SCRIPT_NAMES: tuple[str, ...] = (
    "లక్ష్మీ నారాయణ",
    "వెంకటేశ్వర రావు",
    "శ్రీనివాస్ రెడ్డి",
    "పద్మావతి",
    "సాయి కిరణ్",
    "అనూష చౌదరి",
    "श्रीनिवास राव",
    "सुनीता शर्मा",
    "अमित वर्मा",
    "प्रिया जोशी",
    "ಮಂಜುನಾಥ ಗೌಡ",
    "ಸವಿತಾ ಹೆಗಡೆ",
    "கார்த்திக் சுப்ரமணியன்",
)

DELIVERY_STAFF: tuple[str, ...] = (
    "Raju M",
    "Shankar Gowda",
    "Irfan Pasha",
    "Venkatesh K",
    "Murugan S",
    "Basavaraj",
    "Suresh Naik",
    "Anthony Raj",
    "Ravi Kumar B",
    "Kiran Reddy",
    "Manoj Yadav",
    "Hanumanthappa",
    "Siddique Ahmed",
    "Prakash N",
    "Lokesh H",
    "Ganesh Rao",
    "Mahadevappa",
    "Chandru",
    "Santhosh P",
    "Yusuf Khan",
    "Nagesh T",
    "Vinod D'Souza",
    "Srikanth V",
    "Harish G",
    "రమేష్ నాయుడు",
)

OFFICE_STAFF: tuple[str, ...] = ("Asha Kulkarni", "Farooq Sait", "Deepthi Raman", "Vivek Shenoy")
